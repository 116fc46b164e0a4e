"""What the controls ask the outside. Each question is answered by one store; see the `stores` room."""
