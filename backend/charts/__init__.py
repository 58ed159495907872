"""Every chart of the pages and reports, made with Altair in either language. The units are on the axes, and every chart
can be read without colour."""
