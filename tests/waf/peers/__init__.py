"""Other engines behind one small interface: `inspect(request, response) -> Seen`."""
