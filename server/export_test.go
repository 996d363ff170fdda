package server

// LimitBodyTime is limitBodyTime, for its test with a clock of its own.
var LimitBodyTime = limitBodyTime

// NewHTTPServer is newHTTPServer, for tests with a clock of their own.
var NewHTTPServer = newHTTPServer

// Connections is connections.
type Connections = connections

// NewConnections is newConnections.
var NewConnections = newConnections

// Record is record.
type Record = record

// Payload is payload.
func (r *record) Payload(p []byte) int64 { return r.payload(p) }
