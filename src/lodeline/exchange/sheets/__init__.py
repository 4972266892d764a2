"""Spreadsheets: templates for each step, read back as events, every bad row named.

A table is an Excel workbook or CSV text. Cells are taken as they stand: no formula is evaluated, no
number passes through arithmetic, and what is written out cannot become a formula.
"""
