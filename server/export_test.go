package server

// LimitBodyTime is limitBodyTime, for its test with a clock of its own.
var LimitBodyTime = limitBodyTime
