"""Types of numbers on a command line: each parses a word or says what it expected and got."""
import argparse


def number(kind, least, what):
    """An argparse type: `kind` (int or float) of a word, finite and at least `least`; `what` names it in the error."""
    def parse(text):
        try:
            value = kind(text)
        except ValueError:
            value = None
        if value is None or not least <= value < float('inf'):
            raise argparse.ArgumentTypeError("expected %s, got '%s'" % (what, text))
        return value
    return parse


positive = number(int, 1, 'a whole number of at least 1')
natural = number(int, 0, 'a whole number of at least 0')
not_negative = number(float, 0, 'a number of at least 0')
