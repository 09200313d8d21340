"""Tests of the testbed, most of them against a real server process."""
