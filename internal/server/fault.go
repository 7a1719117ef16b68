package server

import (
	"muster/internal/fault"
	"muster/internal/inspector"
	"muster/internal/organizations"
)

// faults builds the desk that lets testers make things fail. Where the
// operator has not switched it on, nobody asks it.
func (s *Server) faults() *fault.Service {
	if s.config.FaultInjection {
		s.log.Warn("FAULT INJECTION IS ON: whoever may call muster:PutFault makes every account's calls fail. For tests only.")
	}
	return fault.New(s.config.FaultInjection)
}

// authorize is what the AWS door asks before every operation.
func (d *desks) authorize() fault.Authorize {
	if !d.faults.On() {
		return d.access.Authorize
	}
	return d.faults.Door(d.access.Authorize)
}

func inspectorFaults(s *fault.Service) inspector.Faults {
	if !s.On() {
		return nil
	}
	return s
}

func directoryFaults(s *fault.Service) organizations.Faults {
	if !s.On() {
		return nil
	}
	return s
}
