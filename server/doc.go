// Package server is a whole Peal server inside a Go program: the store, the engine
// that delivers, and the REST API over both. It is the only place where these are
// put together; the peal command is a thin layer of flags and signals around it.
//
// [New] opens everything, [Server.Start] begins to deliver and to listen,
// [Server.Stop] ends it gracefully; [Server.Run] does the last two around a
// context. An application that has an HTTP server of its own leaves
// [Options.Listen] empty and mounts [Server.Handler]; one that wants no HTTP at all
// uses package dispatch instead.
package server
