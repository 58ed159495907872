"""Every chart, for the pages and for reports: Altair, told in which language to speak. Units are on the axes, and none needs colour."""
