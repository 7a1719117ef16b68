package inspector

import "muster/internal/awsmodel/inspector2"

// findingHandlers adds the operations on findings, coverage and filters.
func (s *Service) findingHandlers(h *inspector2.Handlers) {}
