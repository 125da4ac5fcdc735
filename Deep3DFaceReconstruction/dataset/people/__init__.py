"""Image sets: a folder for each person, each a training set -> the samples of each person -> a stream of sets.

Enters: DIR/PERSON/ with photos; or with NAME.png, its landmarks and its attention, as `sample_files` describes them.
Leaves: people as folders of photos (`photo_folders`) or as lists of samples (`folders`), and a stream of their images
(`reader`) for `data_loader.make_dataset`.
"""
