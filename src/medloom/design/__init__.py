"""What is to be made and how: items, bills of materials, equipment, parameters, specifications."""
