"""The doors for other programs: REST, GraphQL and what is built on their authentication. They translate,
never decide: reading is the party's own view of the world, writing is the one write door."""
