"""One line that says on what a benchmark ran."""
import os
import platform


def describe_machine():
    """Processor, cores, load, Python, TensorFlow."""
    import tensorflow
    processor = 'unknown processor'
    with open('/proc/cpuinfo') as stream:
        for line in stream:
            if line.startswith('model name'):
                processor = line.split(':', 1)[1].strip()
                break
    return '%s, %d cores (load %.1f), Python %s, TensorFlow %s' % (
        processor, len(os.sched_getaffinity(0)), os.getloadavg()[0], platform.python_version(), tensorflow.__version__)
