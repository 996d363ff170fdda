// Package server provides a complete Peal server within a Go program: the store, the engine that
// delivers, and the REST API over both. It is the only package that assembles these; the peal
// command adds flags and signals.
//
// [New] opens everything, [Server.Start] starts to deliver and listen, and [Server.Stop] ends it
// gracefully; [Server.Run] starts, and stops when its context ends. An application with its own
// HTTP server leaves [Options.Listen] empty and mounts [Server.Handler]; one without HTTP uses
// package dispatch instead.
package server
