"""Has videos made with a journal until it is killed: ``python killable_jobs.py URL FOLDER JOURNAL COUNT``."""

from __future__ import annotations

import sys

import fetchlab as fl
from fetchlab.studies.storyboard import VideoJobs

if __name__ == "__main__":
    url, folder, path, count = sys.argv[1:]
    jobs = VideoJobs(url, ["token-a", "token-b"], client=fl.Client())
    prompts = [f"Killed: door {number}" for number in range(1, int(count) + 1)]
    jobs.render(prompts, folder, workers=2, journal=path, progress=False).wait()
