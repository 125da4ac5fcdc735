"""BFM09's arrays in their real sizes, of numbers that say where they stood."""
import numpy as np

BFM_ROWS, EXPRESSION_ROWS = 3 * 53490, 3 * 53215


def coded(rows, columns, step, dtype=np.float32):
    """[rows, columns] of odd whole numbers: none occurs twice in a column, nor twice in a row."""
    row, column = np.arange(rows, dtype=np.int32)[:, None], np.arange(columns, dtype=np.int32)
    return (2 * ((row + step * column) % rows) + 1).astype(dtype)


def means():
    """shapeMU: micrometres, 1.6 dm from the smallest to the largest, no two alike; texMU: 20 to 177, likewise."""
    numbers = np.arange(BFM_ROWS)[:, None]
    return {'shapeMU': (numbers - BFM_ROWS // 2).astype(np.float32),
            'texMU': (20 + numbers / 1024.0).astype(np.float32)}


def deviations():
    """Falling, different for shape and texture; no one is the square of another."""
    return {'shapeEV': (8e5 * 0.97 ** np.arange(199))[:, None].astype(np.float32),
            'texEV': (4e3 * 0.98 ** np.arange(199))[:, None].astype(np.float32)}


def morphable_model(dtype=np.float32):
    model = {'shapePC': coded(BFM_ROWS, 199, 797, dtype), 'texPC': -coded(BFM_ROWS, 199, 11, dtype)}
    model.update(means())
    model.update(deviations())
    return {key: np.asfortranarray(value.astype(dtype)) for key, value in model.items()}


def write_expressions(path):
    with open(path, 'wb') as stream:
        np.array([79], np.int32).tofile(stream)
        np.full(EXPRESSION_ROWS, 1e6, np.float32).tofile(stream)  # the mean, which must arrive nowhere
        coded(EXPRESSION_ROWS, 79, 13).T.tofile(stream)
