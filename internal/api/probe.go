package api

import (
	"runtime"
	"time"
)

type statusShape struct {
	Status string `json:"status" enum:"ok"`
}

type readyShape struct {
	Status   string   `json:"status" enum:"ready"`
	Warnings []string `json:"warnings,omitempty" doc:"What does not keep the server from working and needs its operator, such as a log of the database that was not whole at the start."`
}

type versionShape struct {
	Version string `json:"version"`
	Go      string `json:"go" doc:"The Go release that it was built with."`
	Commit  string `json:"commit" doc:"The source revision; empty when unknown."`
}

func (a *API) health(c *call) error { return c.json(200, statusShape{"ok"}) }

func (a *API) ready(c *call) error {
	if err := a.Engine.Ready(c.context()); err != nil {
		return &refusal{kind: unavailable, detail: "not ready: " + translate(err).detail, retryAfter: time.Second, cause: err}
	}
	return c.json(200, readyShape{"ready", a.Warnings})
}

func (a *API) version(c *call) error {
	return c.json(200, versionShape{Version: a.Version, Go: runtime.Version(), Commit: a.Commit})
}
