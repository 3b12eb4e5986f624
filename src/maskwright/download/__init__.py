"""Fetching one file over HTTP: whole or not at all, checked, and after a break from where it stopped.

Knows nothing of what is fetched.
"""

from maskwright.download.fetching import download as download
from maskwright.download.fetching import file_checksum as file_checksum
from maskwright.download.job import Expected as Expected
from maskwright.download.job import Manner as Manner
