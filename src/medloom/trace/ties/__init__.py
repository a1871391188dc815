"""Ties between lots that no use makes (receipt, merge of two numbers, event): they carry holds over."""
