"""The command line: one module per command. Each parses its arguments, calls a room, and shows the answer.

Exit status: 0 fine, 1 the answer is bad news, 2 the input is wrong.
"""
