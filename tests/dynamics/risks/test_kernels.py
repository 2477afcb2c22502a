import numba
import numpy as np
import pytest

from grokode.dynamics.risks import kernels


def double(x):
    return 2 * x


def test_kernels_work_where_no_cache_can_be_written(monkeypatch):
    njit, asked = numba.njit, []

    def without_locator(*args, **options):
        asked.append(options)
        if options.get("cache"):
            raise RuntimeError("cannot cache function 'double': no locator available for file")
        return njit(*args, **options)

    monkeypatch.setattr(numba, "njit", without_locator)
    function = kernels.compiled(double)
    assert function(21) == 42
    assert function.signatures  # compiled, not the plain function
    assert [options.get("cache", False) for options in asked] == [True, False]
    assert asked[0]["error_model"] == asked[1]["error_model"]  # a fallback must not change what is computed


def test_kernels_really_meet_that_error_from_numba(monkeypatch):
    """Numba itself raises the RuntimeError that the decorator expects when it finds no place for a cache."""
    from numba.core.caching import CacheImpl

    monkeypatch.setattr(CacheImpl, "_locator_classes", [])
    with pytest.raises(RuntimeError, match="no locator available"):
        numba.njit(cache=True)(double)
    assert kernels.compiled(double)(4) == 8


def test_other_errors_of_the_compiler_are_not_hidden(monkeypatch):
    def broken(*args, **options):
        raise TypeError("not this one")

    monkeypatch.setattr(numba, "njit", broken)
    with pytest.raises(TypeError, match="not this one"):
        kernels.compiled(double)


def test_compiled_residuals_equal_the_formula(rng):
    r, P, alpha, eps = 3, 5, 0.7, 0.4
    dH, H0, a, offset = (rng.standard_normal(shape) for shape in ((r, P), (r, P), r, P))
    residual = np.empty(P)
    loss = kernels.residuals(dH, H0, a, offset, alpha, eps, residual)
    plain = offset + alpha * np.sum(dH * (a[:, None] + eps * (H0 + dH / 2)), axis=0)
    np.testing.assert_allclose(residual, plain, rtol=1e-13)
    assert loss == pytest.approx(np.mean(plain**2), rel=1e-13)
    np.testing.assert_allclose(kernels.residuals.py_func(dH, H0, a, offset, alpha, eps, residual), loss, rtol=1e-13)
