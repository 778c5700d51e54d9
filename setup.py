"""What pyproject.toml cannot say: the C engine, built where there is a C compiler."""

from setuptools import setup

setup(cffi_modules=["native/syslet_native/build_engine.py:ffibuilder"])
