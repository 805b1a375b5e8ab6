"""Optimizers by name."""

from typing import Any

import keras

from ..recipes import Recipe


class ConvMuon(keras.optimizers.Muon):
    """Muon that takes convolution kernels too, reshaped to a matrix.

    Muon orthogonalises the momentum of weight matrices (Jordan et al., https://github.com/KellerJordan/Muon; learning
    rate as in Liu et al., https://arxiv.org/abs/2502.16982). Keras' Muon leaves kernels of 4 dimensions to AdamW;
    here a kernel (height, width, in, out) is the matrix (height * width * in, out), the convolution's im2col form.
    """

    def _should_use_adamw(self, variable: keras.Variable) -> bool:
        return len(variable.shape) != 4 and super()._should_use_adamw(variable)

    def __init__(self, *args: Any, by_gram: bool = True, **options: Any) -> None:
        """Muon with Keras' own arguments.

        Args:
            *args: of `keras.optimizers.Muon`.
            by_gram: iterate on the small matrix of inner products instead of the kernel itself: the same result in a
                third of the work, where products of float32 are float32; GPUs round their factors to TensorFloat-32.
            **options: of `keras.optimizers.Muon`.
        """
        super().__init__(*args, **options)
        self.by_gram = by_gram
        self._rate: Any = None

    def _backend_apply_gradients(self, grads: Any, trainable_variables: Any) -> None:
        """One step, with one learning rate: Keras computes its schedule anew for every variable that decays."""
        self._rate = super()._get_current_learning_rate()
        try:
            super()._backend_apply_gradients(grads, trainable_variables)
        finally:
            self._rate = None

    def _get_current_learning_rate(self) -> Any:
        return super()._get_current_learning_rate() if self._rate is None else self._rate

    def zeropower_via_newtonschulz5(self, x: keras.KerasTensor, steps: int) -> keras.KerasTensor:
        """Orthogonalise `x`, any shape (..., out), as a matrix of `out` columns; the shape is kept."""
        matrix = keras.ops.reshape(x, (-1, x.shape[-1]))
        if not self.by_gram:
            return keras.ops.reshape(super().zeropower_via_newtonschulz5(matrix, steps), x.shape)
        wide = matrix.shape[0] < matrix.shape[1]
        matrix = self._orthogonalise(keras.ops.transpose(matrix) if wide else matrix, steps)
        return keras.ops.reshape(keras.ops.transpose(matrix) if wide else matrix, x.shape)

    def _orthogonalise(self, x: keras.KerasTensor, steps: int) -> keras.KerasTensor:
        """Newton-Schulz of `x`, (rows, columns): x times a polynomial of its columns' inner products, `steps` times."""
        x = x / (keras.ops.norm(x) + 1e-7)  # as Keras has it
        gram, identity = keras.ops.transpose(x) @ x, keras.ops.eye(x.shape[1], dtype=x.dtype)
        product = identity
        for _ in range(steps):
            polynomial = self.muon_a * identity + self.muon_b * gram + self.muon_c * gram @ gram
            product = product @ polynomial
            gram = polynomial @ gram @ polynomial
        return x @ product

    def lr_adjust(self, x: keras.KerasTensor) -> keras.KerasTensor:
        """Scale the update `x`, any shape (..., out), by the sizes of its matrix; the shape is kept."""
        matrix = keras.ops.reshape(x, (-1, x.shape[-1]))
        return keras.ops.reshape(super().lr_adjust(matrix), x.shape)


def build_optimizer(recipe: Recipe, steps: int, output_layer: str, gpu: bool = False) -> keras.optimizers.Optimizer:
    """The recipe's optimizer for a training of `steps` steps, on a GPU or not; Muon leaves `output_layer` to AdamW."""
    if recipe.optimizer == "adam" and not recipe.peak_learning_rate:
        return keras.optimizers.Adam()  # Keras' defaults, as in the notebook
    warmup = round(0.2 * steps)
    schedule = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=recipe.peak_learning_rate / 25,
        warmup_target=recipe.peak_learning_rate,
        warmup_steps=warmup,
        decay_steps=max(1, steps - warmup),
    )
    if recipe.optimizer == "adam":
        return keras.optimizers.Adam(schedule)
    return ConvMuon(
        learning_rate=schedule,
        adam_lr_ratio=0.8,
        weight_decay=recipe.weight_decay,
        exclude_layers=[f"{output_layer}/"],
        by_gram=not gpu,
    )
