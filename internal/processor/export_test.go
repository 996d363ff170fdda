package processor

// Accounts returns the number of kept accounts.
func (p *Processor) Accounts() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.accounts)
}

// SchedulerLatency is schedulerLatency.
var SchedulerLatency = schedulerLatency
