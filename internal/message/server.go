package message

const (
	// Requests and the server.

	OrderImpossible Message = "order_impossible: is not possible for more than {n} rows; list the newest first"
	NoPage          Message = "no_page: there is no such page"
	FormTooLarge    Message = "form_too_large: the form is too large: at most {n} bytes are accepted here"
	FormLate        Message = "form_late: the form did not arrive in time"
	FormUnreadable  Message = "form_unreadable: the form cannot be read"
	LargeRequests   Message = "large_requests: too many large requests are in flight; send this one again in a moment"
	LargeRequestsOf Message = "large_requests_of: too many large requests of this {holder} are in flight; send this one again " +
		"when others have been answered"
	TurnsOfTenant Message = "turns_of_tenant: too many requests of this tenant wait for their turn; send this one again in a " +
		"moment"
	TurnsOfAddress Message = "turns_of_address: too many requests of this address wait for their turn; send this one again in a " +
		"moment"
	TenantUnderWay Message = "tenant_under_way: the tenant has {n} {what} under way, which is the limit; try again when one has " +
		"ended"
	ServerUnderWay Message = "server_under_way: the server has {n} {what} under way, which is the limit of all tenants; try " +
		"again in a moment"
	ChangedMeanwhile Message = "changed_meanwhile: somebody else has changed it in the meantime; read it again"
	Stopping         Message = "stopping: Peal is stopping; publish again in a moment"
	NotRunning       Message = "not_running: the engine does not run"
	NodeFenced       Message = "node_fenced: this node sends nothing until it has renewed its registration; try again in a moment"
	NodeUnknown      Message = "node_unknown: the node {name} is not registered"
	NodeExists       Message = "node_exists: the node {name} is registered"
	StoreClosed      Message = "store_closed: the store is closed"
	StoreBusy        Message = "store_busy: the database cannot keep up, too many changes wait for it"
	StoreUnavailable Message = "store_unavailable: the database cannot {verb} now"
	DiskFull         Message = "disk_full: the disk that holds the database is full, it cannot {verb}"
	StoreTrouble     Message = "store_trouble: {reason}; it cannot {verb} now"
)
