package advisorydb

import "muster/internal/advisory"

// Intel gathers what the set knows of a CVE: details, KEV entry, exploits and
// EPSS score; false when no file mentions it. Of details that several sources
// have, NVD's count first, then the CVE List's (see advisory.Intel.Add).
func (s *Set) Intel(cve string) (Intel, bool, error) {
	done, err := s.use()
	if err != nil {
		return Intel{}, false, err
	}
	defer done()
	var out Intel
	found := false
	for _, add := range []func(string, *Intel) (bool, error){s.shared.addDetails, s.shared.addKEV, s.shared.addExploits, s.shared.addEPSS} {
		known, err := add(cve, &out)
		if err != nil {
			return Intel{}, false, err
		}
		found = found || known
	}
	out.CVE = cve
	return out, found, nil
}

// The kinds of tables about CVEs, in the order of precedence.
func detailKinds() []Kind  { return []Kind{NVD, CVEList, CVEs} }
func exploitKinds() []Kind { return []Kind{Exploits, ExploitDB, Metasploit, Nuclei} }

func (s *shared) addDetails(cve string, out *Intel) (found bool, err error) {
	for _, kind := range detailKinds() {
		var more Intel
		ok, err := s.get(kind, cve, &more)
		if err != nil {
			return false, err
		}
		if ok {
			out.Add(&more)
			found = true
		}
	}
	return found, nil
}

func (s *shared) addKEV(cve string, out *Intel) (bool, error) {
	var kev advisory.KEV
	ok, err := s.get(KEVs, cve, &kev)
	if ok {
		out.KEV = &kev
	}
	return ok, err
}

func (s *shared) addExploits(cve string, out *Intel) (found bool, err error) {
	for _, kind := range exploitKinds() {
		var more advisory.Exploits
		ok, err := s.get(kind, cve, &more)
		if err != nil {
			return false, err
		}
		if ok {
			out.Exploits.Add(more)
			found = true
		}
	}
	return found, nil
}

func (s *shared) addEPSS(cve string, out *Intel) (found bool, err error) {
	if s.epss != nil {
		out.EPSS, err = s.epss.Get(cve)
	}
	return out.EPSS != nil, err
}

// Product returns the support life of a product by endoflife.date's name.
func (s *Set) Product(name string) (advisory.Product, bool, error) {
	done, err := s.use()
	if err != nil {
		return advisory.Product{}, false, err
	}
	defer done()
	var out advisory.Product
	found, err := s.shared.get(Products, name, &out)
	return out, found, err
}

func (s *shared) get(kind Kind, key string, value any) (bool, error) {
	t := s.tables[kind]
	if t == nil {
		return false, nil
	}
	return t.Get(key, value)
}
