package server

import (
	"errors"
	"runtime/debug"

	"muster/internal/arn"
	"muster/internal/awsapi/wire"
	"muster/internal/awsmodel/inspector2"
	"muster/internal/bucket"
	"muster/internal/inspector/exports"
	"muster/internal/pagetoken"
)

// exports builds the desk of findings reports and SBOM exports.
func (s *Server) exports(pages *pagetoken.Sealer) (*exports.Service, error) {
	allowed, err := s.config.ExportBuckets()
	if err != nil {
		return nil, err
	}
	encode, err := findingEncoder()
	if err != nil {
		return nil, err
	}
	c := exports.Config{
		Store: s.store, Pages: pages, Folder: s.config.ExportsDir(), Allowed: map[arn.AccountID][]string{}, Encode: encode,
		Version: programVersion(), Now: s.store.Now, Log: s.log,
	}
	for account, names := range allowed {
		c.Allowed[arn.AccountID(account)] = names
	}
	if s.config.ExportsEndpoint != "" {
		c.Bucket = bucket.New(bucket.Config{
			Endpoint: s.config.ExportsEndpoint, Region: s.config.ExportsRegion, AccessKey: s.config.ExportsAccessKey,
			SecretKey: s.config.ExportsSecretKey, KMS: s.config.ExportsKMS,
		})
	}
	return exports.New(c), nil
}

// findingEncoder writes findings as the interface has them.
func findingEncoder() (func([]byte, *inspector2.Finding) ([]byte, error), error) {
	model := inspector2.Handlers{}.Service().Model
	codec := wire.New(model, wire.DefaultLimits())
	for i := range model.Shapes {
		if model.Shapes[i].Name == "Finding" {
			return func(dst []byte, f *inspector2.Finding) ([]byte, error) { return codec.AppendJSON(dst, i, f) }, nil
		}
	}
	return nil, errors.New("the interface has no Finding")
}

// programVersion is the version that documents name as their tool's.
func programVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "devel"
	}
	return info.Main.Version
}
