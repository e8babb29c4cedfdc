package main

import "github.com/supportledger/supportledger/bench/site"

// Over how many contracts loads are spread. One caller alone gets around fewer of
// them while warming, and is measured on states that are in memory, as the others
// are.
const (
	manyContracts = 10_000
	fewContracts  = 1_000
)

// allRows is the table, yardsticks first. Each kind of row has a file of its own.
func allRows() []Row {
	http := httpRow(httpSpread, "durable deductions through HTTP, 64 connections, 10,000 contracts", manyContracts,
		times(postgresSpread, 3), times(frontSpread, 4.5))
	hot := httpRow(httpHot, "durable deductions through HTTP, 64 connections, one hot contract", 1,
		times(postgresHot, 15), times(frontHot, 15))
	spread := inProcessRow(inProcessSpread, "in process, 512 callers, 10,000 contracts", manyContracts,
		times(postgresSpread, 6), times(pebbleSpread, 0.6))
	hotInProcess := inProcessRow(inProcessHot, "in process, 512 callers, one hot contract", 1,
		times(postgresHot, 50), times(pebbleHot, 0.6))
	alone := oneCallerRow(oneCaller, "one caller, in process, median", fewContracts,
		Target{Yardstick: fdatasync, Times: 1, Plus: 0.1})
	cluster := esdbRow(esdbSpread, "log in a cluster, in process, 512 callers, 10,000 contracts", callers, manyContracts, times(wireSpread, 0.8))
	hotInCluster := esdbRow(esdbHot, "log in a cluster, in process, 1,024 callers, one hot contract", 2*callers, 1, times(wireOneByOne, 20))
	rows := append(yardsticks(), http, hot, spread, hotInProcess, alone, cluster, hotInCluster, replayRow(), catchUpRow(), sharedCatchUpRow(), feedCatchUpRow(), feedLagRow(), natsStoppedRow(),
		mailsCatchUpRow(), mailsOnRow(), copyThereRow(), copyBackRow())
	return append(rows,
		fullHTTPRow(http, manyContracts), fullHTTPRow(hot, 1),
		fullInProcessRow(spread, callers, manyContracts, rate), fullInProcessRow(hotInProcess, callers, 1, rate),
		fullInProcessRow(alone, 1, fewContracts, median),
		memoryRow(),
		startRow("start-clean", "start to ready after a clean stop, same store", (*site.Server).Stop),
		startRow("start-killed", "start to ready after kill -9 under load, same store", (*site.Server).Kill),
	)
}

// yardsticks are what the ledger is measured against.
func yardsticks() []Row {
	spread := func(*Lab) int { return manyContracts }
	hot := func(*Lab) int { return 1 }
	return []Row{
		fdatasyncRow(),
		pebbleRow(pebbleSpread, "Pebble alone, the same frames, index and batches, 10,000 contracts", manyContracts),
		pebbleRow(pebbleHot, "Pebble alone, the same frames, index and batches, one hot contract", 1),
		procedureRow(postgresSpread, "PostgreSQL's procedure, 10,000 contracts", spread, spreadClients()),
		procedureRow(postgresHot, "PostgreSQL's procedure, one hot contract", hot, hotClients()),
		frontRow(frontSpread, "the same HTTP server before the procedure, 10,000 contracts", spread, spreadClients()),
		wireRow(wireSpread, "the official client alone on esdbwire, 512 callers, 10,000 streams", callers, manyContracts),
		wireRow(wireOneByOne, "the same, one stream, one append after another", 1, 1),
		frontRow(frontHot, "the same HTTP server before the procedure, one hot contract", hot, hotClients()),
	}
}
