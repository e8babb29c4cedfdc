package main

// allRows is the table, yardsticks first. Each row has a file of its own.
func allRows() []Row {
	spread := func(lab *Lab) int { return lab.Contracts }
	hot := func(*Lab) int { return 1 }
	return []Row{
		fdatasyncRow(),
		procedureRow(postgresSpread, "PostgreSQL's procedure, 10,000 contracts", spread, spreadClients()),
		procedureRow(postgresHot, "PostgreSQL's procedure, one hot contract", hot, hotClients()),
		frontRow(frontSpread, "the same HTTP server before the procedure, 10,000 contracts", spread, spreadClients()),
		frontRow(frontHot, "the same HTTP server before the procedure, one hot contract", hot, hotClients()),
	}
}
