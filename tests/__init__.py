"""The tests, a package so that all of them import `tests.helpers`. See README.md beside this file."""
