"""What the doctor says about one thing: a verdict, and the verdict together with what is known about the thing."""
from collections import namedtuple

OK = 'ok'                # there and right
MISSING = 'missing'      # not there
WRONG = 'wrong'          # there, but not what it should be
UNCHECKED = 'unchecked'  # there, but what would look into it (NumPy, TensorFlow) is missing or broken
STATES = (OK, MISSING, WRONG, UNCHECKED)

# state: one of STATES; found: words, what was seen; advice: sentences, what to do, '' where the catalogue says it.
Verdict = namedtuple('Verdict', 'state found advice')
Verdict.__new__.__defaults__ = ('',)

# item: catalogue.Item; path: where it was looked for, or None; blocks_demo: whether demo.py cannot run because of it.
Finding = namedtuple('Finding', 'item state found advice path blocks_demo')
