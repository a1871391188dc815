"""From whom a site buys and to whom the network delivers: vendors, purchase orders, consignees."""
