"""Image sets: a folder for each person, each a training set -> the samples of each person -> a stream of sets.

Enters: DIR/PERSON/NAME.png with its landmarks and its attention, as `sample_files` describes them.
Leaves: people as lists of samples (`folders`), and a stream of their images (`reader`) for `data_loader.make_dataset`.
"""
