"""Loads the exporter beside a locustfile: ``-f locustfile.py,$(locust_exporter plugin)``.

Locust imports this file as a locustfile of its own, under the name of the file, and a master may
hand it to its workers: so it stands alone and defines no users.
"""

import locust_exporter

locust_exporter.install()
