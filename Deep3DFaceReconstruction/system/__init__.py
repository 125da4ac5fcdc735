"""The operating system's side: process settings, paths, files that are whole or not there, command lines.

Enters: paths, words of a command line, environment variables. Leaves: checked arrays and numbers, files under their
final names, and one line of words about a file that is not what it should be. Knows nothing of faces or TensorFlow.
"""
