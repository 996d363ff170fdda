package server

// LimitBodyTime is limitBodyTime, for its test with a clock of its own.
var LimitBodyTime = limitBodyTime

// NewHTTPServer is newHTTPServer, for tests with a clock of their own.
var NewHTTPServer = newHTTPServer
