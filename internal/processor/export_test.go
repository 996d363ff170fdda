package processor

// Accounts is how many accounts are kept.
func (p *Processor) Accounts() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.accounts)
}

// SchedulerLatency is schedulerLatency.
var SchedulerLatency = schedulerLatency
