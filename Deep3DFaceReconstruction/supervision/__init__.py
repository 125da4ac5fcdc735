"""Training R-Net, or C-Net behind it, on samples whose coefficients are known.

Enters: batches with coefficient labels (dataset.data_loader.Batch), a face model, ModelOptions.
Leaves: reconstruction_model.Outputs with the supervised loss, mixed with the weak losses where a batch has photos.
"""
