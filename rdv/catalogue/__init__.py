"""Reading the catalogues of trainings (ministries, Carif-Oref) into Cfa, Site and Training."""
