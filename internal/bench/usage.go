package bench

import "time"

// usage is what a server has used, and the database's where it has one.
type usage struct {
	CPU      time.Duration // of the process, in user and kernel mode since it began
	Resident int64         // bytes of memory now
	Peak     int64         // the most that Resident has been

	DatabaseCPU time.Duration // of all the database's processes; 0 when it is not known
	Log         int64         // bytes that the database has written to its log
}
