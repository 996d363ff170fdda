package memory

const (
	SmallProcess = smallProcess
	ExtraStep    = extraStep
	ExtraMost    = extraMost
)

var (
	Bound     = memoryBound
	NextExtra = nextExtra
)
