class BadRecording(ValueError): pass
