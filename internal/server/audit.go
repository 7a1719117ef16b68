package server

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"muster/internal/awsapi"
	"muster/internal/config"
)

// auditLog appends one line per call to the audit log.
type auditLog struct {
	mu    sync.Mutex // guards out
	out   io.Writer
	log   *slog.Logger
	close func() error
}

func openAudit(c config.Config, log *slog.Logger) (*auditLog, error) {
	a := &auditLog{log: log, close: func() error { return nil }}
	switch c.AuditLog {
	case "off":
		a.out = io.Discard
	case "-":
		a.out = os.Stderr
	default:
		name := c.AuditLog
		if name == "" {
			name = filepath.Join(c.Data, "audit.log")
		}
		f, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return nil, fmt.Errorf("audit log: %w", err)
		}
		a.out, a.close = f, f.Close
	}
	return a, nil
}

// write appends a record; a line goes out in one write, so that processes can
// share a file.
func (a *auditLog) write(r awsapi.Record) {
	line, err := json.Marshal(r)
	if err == nil {
		a.mu.Lock()
		_, err = a.out.Write(append(line, '\n'))
		a.mu.Unlock()
	}
	if err != nil {
		a.log.Error("audit record not written", "request", r.RequestID, "error", err)
	}
}
