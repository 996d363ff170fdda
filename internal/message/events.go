package message

const (
	// Events.

	TypeMissing    Message = "type_missing: is missing; name what happened, such as task.created"
	TypeCharacters Message = `type_characters: must be segments of letters, digits, "_" and "-" joined by dots, such as ` +
		"task.created"
	DataMissing  Message = "data_missing: is missing; set the event's content as JSON"
	DataTooLarge Message = "data_too_large: is {n} bytes, at most {max} are accepted; publish a reference to large content " +
		"instead"
	EventIDEmpty      Message = "event_id_empty: is empty; leave it out to let Peal choose one"
	EventIDCharacters Message = "event_id_characters: must be printable ASCII without spaces; character {n} is not"
	EventIDDots       Message = "event_id_dots: must not be /, . or .., which URL paths cannot contain"
	EventIDTaken      Message = "event_id_taken: is the id of another event with other content; give a new event a new id"
	SubjectCharacters Message = "subject_characters: must not contain line breaks, control characters or noncharacters, which " +
		"CloudEvents cannot carry; one starts at byte {n}"
	BatchEvents     Message = "batch_events: must have 1 to {n} events"
	BatchSize       Message = "batch_size: must be 1 to {n} events"
	BatchTooLong    Message = "batch_too_long: has more than {n} events; send several batches"
	BatchDeliveries Message = "batch_deliveries: have more than {most} deliveries together (limits.max_deliveries); publish them " +
		"in smaller batches"
	EventDeliveries Message = "event_deliveries: the event has more than {most} deliveries (limits.max_deliveries); have fewer " +
		"webhooks match it, or ask the operator to raise the limit"
	NoEvent        Message = "no_event: there is no event {name}"
	TenantReserved Message = "tenant_reserved: the tenant {tenant} is reserved for Peal's own events"
	BatchMember    Message = `batch_member: is not a member of a batch, which is {"events":[…]}`
	EventMember    Message = "event_member: is not a member of an event: it has type, data, id, subject and time"

	// Deliveries and replays.

	NoDelivery       Message = "no_delivery: there is no delivery {name}"
	DeliveryFinal    Message = "delivery_final: the delivery is final: {status}"
	DeliveryUnderWay Message = "delivery_under_way: the delivery is being attempted, or about to be"
	DeliveryOrphaned Message = "delivery_orphaned: the delivery's webhook was deleted"
	DeliveryOrphan   Message = "delivery_orphan: the delivery's webhook is deleted"
	DeliveryDisabled Message = "delivery_disabled: the delivery's webhook is disabled: set it active first"
	ResultsUnwritten Message = "results_unwritten: results of attempts are not written yet; try again in a moment"
	SinceMissing     Message = "since_missing: is missing; set the start of the time to replay"
	SinceRange       Message = "since_range: must be before until, and in the past"
	ReplayStatus     Message = "replay_status: must be success, failed or canceled; pending deliveries are sent anyway"
	ReplayEmpty      Message = "replay_empty: is empty; choose at least one, or include missed events"
	NoReplay         Message = "no_replay: there is no such replay"
	ReplayExists     Message = "replay_exists: there is a replay {name} already"
	ReplayAhead      Message = "replay_ahead: the replay has come further already"
	ReplayEnded      Message = "replay_ended: the replay has ended: {status}"
	ReplayOrphan     Message = "replay_orphan: the replay's webhook is deleted"
	TooManyReplays   Message = "too_many_replays: the tenant has {n} replays running, which is the limit; cancel one, or try " +
		"again when one has ended"
	SearchText       Message = "search_text: is not valid UTF-8 without the character 0"
	SearchQuote      Message = `search_quote: has a " that is not closed: put a second one behind the phrase`
	SearchTooLong    Message = "search_too_long: has {n} characters, at most {max} are looked for: leave words out"
	SearchWords      Message = "search_words: has more than {n} words: leave some out"
	SearchEmpty      Message = "search_empty: has no letters or digits: write a word that the payload or a response holds"
	SearchStarInside Message = "search_star_inside: has a * inside of a word: it can only end a word"
	SearchStarAlone  Message = "search_star_alone: has a * with nothing before it: write the start of a word there"
	SearchStarShort  Message = "search_star_short: has only {word} before a *: write at least {n} characters of the word"
	SearchOff        Message = "search_off: cannot be looked for: search is off here; an operator turns it on with the setting " +
		"search.enabled"
	SearchSlow       Message = "search_slow: takes longer than {time}: add a word, write words with a * out, or narrow the time"
	DeliveryCanceled Message = "delivery_canceled: the delivery was canceled"

	// Filters, transforms and schemas.

	CannotCompile   Message = "cannot_compile: cannot be compiled: {what}"
	DoesNotCompile  Message = "does_not_compile: does not compile: {what}"
	FilterResult    Message = "filter_result: must return true or false; it returned {what} for this event"
	EventResult     Message = "event_result: returns {what} for this event; it must return a string"
	StringResult    Message = "string_result: returns {what}; it must return a string"
	ResultTooLong   Message = "result_too_long: returns a string of more than {n} bytes"
	NoResult        Message = "no_result: returns no value for this event; it must return exactly one"
	SeveralResults  Message = "several_results: returns more than one value for this event; put them in an array"
	EventUnreadable Message = "event_unreadable: cannot read the event's data: {what}"
	ProgramsWaiting Message = "programs_waiting: too many filters and transforms of this tenant are waiting for their turn; try " +
		"again, or simplify them"
	FiltersTooCostly Message = "filters_too_costly: does more work than its share of one request: there are many filters, and " +
		"they do too much together"
	SchemaInvalidAt  Message = "schema_invalid_at: is not a valid JSON Schema: {where}: {what}"
	SchemaInvalid    Message = "schema_invalid: is not a valid JSON Schema: {what}"
	SchemaTooCostly  Message = "schema_too_costly: does too much for each value: it refers to its own parts too often"
	SchemaMismatch   Message = "schema_mismatch: does not match the event type's schema: {what}"
	NumberTooExtreme Message = "number_too_extreme: is a number too large or too small to be checked by a schema"
	DataTooCostly    Message = "data_too_costly: is too much to be checked by the event type's schema: send less at once, or less " +
		"deep data"
	NoEventType     Message = "no_event_type: there is no event type {name} in the catalogue"
	FiltersOfTenant Message = "filters_of_tenant: the filters of the tenant's webhooks do more work than one request may cost: " +
		"send fewer events at once, or simplify the filters, above all that of the webhook {webhook}"
	ProgramFails       Message = "program_fails: fails on this event: {what}"
	ProgramTooCostly   Message = "program_too_costly: does too much work for one event: it loops too often or makes too much data"
	ProgramTooSlow     Message = "program_too_slow: takes too long"
	TooManyEventValues Message = "too_many_event_values: it has too many values"
	ResultTooLarge     Message = "result_too_large: returns more than {n} bytes of JSON"
	ResultNotJSON      Message = "result_not_json: returns a value that is not JSON"
	ResultTooDeep      Message = "result_too_deep: returns data nested deeper than {n} levels"
	KindNull           Message = "kind_null: null"
	KindBoolean        Message = "kind_boolean: a boolean"
	KindString         Message = "kind_string: a string"
	KindArray          Message = "kind_array: an array"
	KindObject         Message = "kind_object: an object"
	KindNumber         Message = "kind_number: a number"
)
