"""Medloom (械联): the data network and ERP for medical-device makers who outsource production."""

__version__ = "0.1.0"
