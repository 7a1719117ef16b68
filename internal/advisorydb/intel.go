package advisorydb

import "muster/internal/advisory"

// Intel gathers what the set knows of a CVE: details, KEV entry, exploits and
// EPSS score; false when no file mentions it.
func (s *Set) Intel(cve string) (Intel, bool, error) {
	done, err := s.use()
	if err != nil {
		return Intel{}, false, err
	}
	defer done()
	var out Intel
	found, err := s.shared.get(CVEs, cve, &out)
	if err != nil {
		return Intel{}, false, err
	}
	var kev advisory.KEV
	if ok, err := s.shared.get(KEVs, cve, &kev); err != nil {
		return Intel{}, false, err
	} else if ok {
		out.KEV, found = &kev, true
	}
	if ok, err := s.shared.get(Exploits, cve, &out.Exploits); err != nil {
		return Intel{}, false, err
	} else if ok {
		found = true
	}
	if s.shared.epss != nil {
		if out.EPSS, err = s.shared.epss.Get(cve); err != nil {
			return Intel{}, false, err
		}
	}
	out.CVE = cve
	return out, found || out.EPSS != nil, nil
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
