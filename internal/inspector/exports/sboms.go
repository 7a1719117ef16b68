package exports

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"muster/internal/awsmodel/inspector2"
	"muster/internal/finding"
	"muster/internal/finding/criteria"
	"muster/internal/inventory"
	"muster/internal/sbom"
	"muster/internal/store"
	"muster/internal/store/catalog"
	"muster/internal/store/findings"
)

// resourcesAtOnce is how many resources are read at a time.
const resourcesAtOnce = 50

// boms writes an SBOM for every scanned resource, each as an object.
func (w *writer) boms(ctx context.Context) error {
	var in *inspector2.ResourceFilterCriteria
	if err := json.Unmarshal([]byte(w.export.Criteria), &in); err != nil {
		return err
	}
	wanted := resourceCriteria(in)
	for after := (catalog.Row{}); ; {
		if err := w.going(ctx); err != nil {
			return err
		}
		var list []catalog.Resource
		err := w.store.View(ctx, func(tx *store.Tx) error {
			scope, err := w.scope(ctx, tx)
			if err == nil {
				list, err = catalog.CoveragePage(ctx, tx, scope, string(w.export.Region), wanted, after, resourcesAtOnce)
			}
			return err
		})
		if err != nil {
			return err
		}
		for i := range list {
			after = list[i].Row()
			if list[i].Inventory == 0 {
				continue
			}
			if err := w.bom(ctx, &list[i]); err != nil {
				return err
			}
		}
		if len(list) < resourcesAtOnce {
			return nil
		}
	}
}

// resourceCriteria are the filters as coverage has them; only what is actively
// scanned is exported.
func resourceCriteria(in *inspector2.ResourceFilterCriteria) *catalog.CoverageCriteria {
	c := &catalog.CoverageCriteria{
		Strings: map[criteria.Attribute][]criteria.String{
			"scanStatusCode": {{Comparison: criteria.Equals, Value: "ACTIVE"}}, "scanType": {{Comparison: criteria.Equals, Value: "PACKAGE"}},
		},
		Tags: map[finding.ResourceType][]criteria.Tag{},
	}
	if in == nil {
		return c
	}
	for name, list := range map[criteria.Attribute][]inspector2.ResourceStringFilter{
		"accountId": in.AccountId, "resourceId": in.ResourceId, "resourceType": in.ResourceType, "ecrRepositoryName": in.EcrRepositoryName,
		"lambdaFunctionName": in.LambdaFunctionName, "ecrImageTags": in.EcrImageTags,
	} {
		for _, f := range list {
			c.Strings[name] = append(c.Strings[name], criteria.String{Comparison: criteria.Comparison(f.Comparison), Value: f.Value})
		}
	}
	for kind, list := range map[finding.ResourceType][]inspector2.ResourceMapFilter{finding.Instance: in.Ec2InstanceTags, finding.LambdaFunction: in.LambdaFunctionTags} {
		for _, f := range list {
			c.Tags[kind] = append(c.Tags[kind], criteria.Tag{Key: f.Key, Value: f.Value})
		}
	}
	return c
}

// bom writes the SBOM of one resource.
func (w *writer) bom(ctx context.Context, r *catalog.Resource) error {
	d, err := w.document(ctx, r)
	if err != nil {
		return err
	}
	key := fmt.Sprintf("%s%s_outputs_%s/account=%s/resource=%s/%s_%s.json", w.export.Prefix, w.export.Format, w.export.ID, r.Account, r.Type,
		strings.ReplaceAll(r.ID, "/", "_"), w.export.Format)
	return w.object(ctx, key, "application/json", func(f *os.File) error {
		out := bufio.NewWriter(f)
		if w.export.Format == "SPDX_2_3" {
			err = sbom.WriteSPDX(out, d)
		} else {
			err = sbom.WriteCycloneDX(out, "1.4", d)
		}
		if err == nil {
			err = out.Flush()
		}
		return err
	})
}

// document is what is on a resource and which open findings it has.
func (w *writer) document(ctx context.Context, r *catalog.Resource) (*sbom.Document, error) {
	d := &sbom.Document{
		Target: r.ID, Container: r.Image != nil, Tool: w.config.Version, Created: w.export.CreatedAt,
		Properties: [][2]string{{"accountId", string(r.Account)}, {"resourceType", string(r.Type)}},
	}
	err := w.store.View(ctx, func(tx *store.Tx) error {
		inv, err := catalog.LookupInventory(ctx, tx, r.Inventory)
		if err != nil {
			return err
		}
		d.Inventory.OS, d.Inventory.Notes = inv.OS, inv.Notes
		if d.Inventory.Items, err = items(ctx, tx, inv.Items); err != nil {
			return err
		}
		open, err := findings.OfResource(ctx, tx, r.Number)
		if err != nil {
			return err
		}
		d.Vulnerabilities = vulnerabilities(open, d.Inventory.Items)
		return nil
	})
	add := func(name, value string) {
		if value != "" {
			d.Properties = append(d.Properties, [2]string{name, value})
		}
	}
	add("architecture", d.Inventory.OS.Arch)
	if r.Instance != nil {
		add("imageId", r.Instance.ImageID)
	}
	if r.Image != nil {
		add("imageId", r.Image.Hash)
	}
	return d, err
}

// items joins placements with their components.
func items(ctx context.Context, tx *store.Tx, placed []catalog.Placement) ([]inventory.Item, error) {
	ids := make([]int64, len(placed))
	for i, p := range placed {
		ids[i] = p.Component
	}
	byID, err := catalog.Identities(ctx, tx, ids)
	if err != nil {
		return nil, err
	}
	list := make([]inventory.Item, len(placed))
	for i, p := range placed {
		list[i] = inventory.Item{Component: byID[p.Component], Path: p.Path, Layer: p.Layer, Role: p.Role, OwnedBy: p.OwnedBy}
	}
	return list, nil
}

// shown identifies a package in a finding and in an inventory alike.
type shown struct{ name, version, release, arch, path string }

// vulnerabilities are the open findings with the items that they are about.
func vulnerabilities(list []findings.Stored, all []inventory.Item) []sbom.Vulnerability {
	byShown := make(map[shown][]inventory.Item, len(all))
	for _, it := range all {
		p := finding.Show(it)
		k := shown{p.Name, p.Version, p.Release, p.Arch, p.Path}
		byShown[k] = append(byShown[k], it)
	}
	var out []sbom.Vulnerability
	for i := range list {
		f := &list[i].Finding
		if f.Package == nil || f.Status == finding.Closed {
			continue
		}
		v := sbom.Vulnerability{
			ID: f.Package.VulnerabilityID, SourceName: f.Package.Source, SourceURL: f.Package.SourceURL, Severity: string(f.Severity),
			Description: f.Description, Related: f.Package.Related, Published: f.Package.VendorCreatedAt, Updated: f.Package.VendorUpdatedAt, EPSS: f.EPSS,
		}
		for _, p := range f.Package.Packages {
			for _, it := range byShown[shown{p.Name, p.Version, p.Release, p.Arch, p.Path}] {
				v.Affects = append(v.Affects, sbom.Affect{Item: it, FixedVersion: p.FixedIn})
			}
		}
		out = append(out, v)
	}
	return out
}
