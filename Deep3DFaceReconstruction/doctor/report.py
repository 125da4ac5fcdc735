"""The doctor's findings as a table with what to do below it, and as a dict for programs."""
import os
import sys
import textwrap

from Deep3DFaceReconstruction.doctor.catalogue import BFM09_PARTS, MISSING, OK, REMOVABLE, STRAY, UNCHECKED, WRONG

# One more whenever a key of as_dict changes its meaning.
FORMAT = 1

_WIDEST = 120
_INDENT, _HANGING = '    ', '      '
_STATE_WIDTH = len('MISSING')


def as_dict(findings):
    """For programs: plain values under stable keys.

    Args:
      findings: list of catalogue.Finding.
    Returns:
      dict: format; demo_can_run; python; findings: list of dicts with key, name, section, state (ok, missing, wrong,
      unchecked), found, advice, path, blocks_demo, purpose, without, source, licence, place.
    """
    rows = []
    for finding in findings:
        item = finding.item
        rows.append({
            'key': item.key, 'name': item.name, 'section': item.section, 'state': finding.state,
            'found': finding.found, 'advice': '' if finding.state == OK else ' '.join(advice(finding)),
            'path': finding.path, 'blocks_demo': finding.blocks_demo, 'purpose': item.purpose,
            'without': item.without, 'source': item.source, 'licence': item.licence, 'place': item.place})
    return {'format': FORMAT, 'demo_can_run': not any(finding.blocks_demo for finding in findings),
            'python': sys.executable, 'findings': rows}


def as_text(findings, columns, verbose=False):
    """For people: the table, what to do about what is wrong or missing, and whether demo.py can run.

    Args:
      findings: list of catalogue.Finding.
      columns: width of the terminal.
      verbose: a paragraph about everything.
    """
    width = max(40, min(columns, _WIDEST))
    blocks = [_table(findings, width)]
    needed = [finding for finding in findings if finding.blocks_demo]
    needed += [finding for finding in findings if finding.state == WRONG and not finding.blocks_demo]
    # With the whole model there, nobody needs its parts.
    whole = any(finding.item.key == 'bfm_model_front' and finding.state == OK for finding in findings)
    absent = [finding for finding in findings if finding.state == MISSING and not finding.blocks_demo
              and (verbose or not (whole and finding.item.key in BFM09_PARTS))]
    rest = [finding for finding in findings if finding.state in (OK, UNCHECKED)] if verbose else []
    for heading, chosen in (('What to do', needed), ('Missing, and not needed by demo.py', absent),
                            ('The rest', rest)):
        if chosen:
            blocks.append('\n'.join([heading] + _paragraphs(chosen, width)))
    blocks.append(textwrap.fill(_conclusion(findings), width))
    return '\n\n'.join(blocks)


def _table(findings, width):
    names = max(len(finding.item.name) for finding in findings if finding.item.section != STRAY)
    margin = 2 + _STATE_WIDTH + 2
    lines, section = [], None
    for finding in findings:
        if finding.item.section != section:
            section = finding.item.section
            lines += ([''] if lines else []) + [section]
        found = textwrap.wrap(finding.found, max(20, width - margin - names - 2)) or ['']
        firsts = [(_mark(finding), finding.item.name)]
        if len(finding.item.name) > names:  # a long one has a line to itself
            found.insert(0, '')
        firsts += [('', '')] * (len(found) - 1)
        lines += ['  %-*s  %-*s  %s' % (_STATE_WIDTH, mark, names, name, line)
                  for (mark, name), line in zip(firsts, found)]
    return '\n'.join(line.rstrip() for line in lines)


def _mark(finding):
    """Capitals are what needs doing."""
    if finding.state == WRONG:
        return 'WRONG'
    if finding.state == MISSING:
        return 'MISSING' if finding.blocks_demo else '-'
    return 'ok' if finding.state == OK else '?'


def _paragraphs(findings, width):
    """One for each finding that asks for one; those that differ in nothing but the name share one."""
    shared = {}
    for finding in findings:
        said = tuple(advice(finding))
        if said:
            shared.setdefault(said, []).append(finding.item.name)
    lines = []
    for (first, *others), names in shared.items():
        lines.append(_filled('%s: %s' % (', '.join(names), first), width, '  '))
        lines += [_filled(line, width, _INDENT) for line in others]
    return lines


def _filled(text, width, indent):
    return textwrap.fill(text, width, initial_indent=indent, subsequent_indent=_HANGING, break_long_words=False,
                         break_on_hyphens=False)


def advice(finding):
    """What to do about a finding (of what is right: what it is for), as lines of sentences; [] if there is nothing."""
    item = finding.item
    described = _sentences(item.purpose, item.without and 'without it, ' + item.without)
    if finding.state == MISSING:
        if not (finding.advice or item.source):
            return []
        return ([] if finding.blocks_demo else [described]) + [finding.advice or 'From %s' % _origin(item)]
    if finding.state == WRONG:
        if finding.advice:
            return [finding.advice]
        if not item.source:
            return [_sentences(finding.found)]
        remove = ' Or remove it: then %s.' % item.without if item.key in REMOVABLE else ''
        return [_sentences(finding.found), 'The right one comes from %s%s' % (_origin(item), remove)]
    return [finding.advice or described] + (['From %s' % _origin(item)] if item.source else [])


def _sentences(*parts):
    return ' '.join(part[:1].upper() + part[1:] + '.' for part in parts if part)


def _origin(item):
    """'SOURCE; licence: LICENCE. Put it into FOLDER/.'"""
    place = ' It goes into %s/.' % os.path.dirname(item.place) if item.place else ''
    return '%s; licence: %s.%s' % (item.source, item.licence, place)


def _conclusion(findings):
    by_key = {finding.item.key: finding for finding in findings}
    blockers = [finding.item.name for finding in findings if finding.blocks_demo]
    if blockers:
        return 'demo.py cannot run until this is fixed: %s.' % ', '.join(blockers)
    network = by_key['face_recon_pb'].state != MISSING
    if by_key['bfm_model_front'].state != MISSING:
        model = 'BFM_model_front.mat'
    elif by_key['bfm09'].state == by_key['exp_pca'].state == OK:
        model = 'the Basel Face Model 2009, converted the first time'
    else:
        model = 'the open face model'
    offers = model == 'the open face model' and by_key['open_r_net'].state != MISSING
    said = 'demo.py can run: face model: %s; coefficients: %s.' % (
        model, 'from network/FaceReconModel.pb' if network else 'fitted, about a second a face%s' % (
            ', from the landmarks or network/open_r_net.pb' if offers else ''))
    if network and model == 'the open face model':
        said += (' Note: a network works only with the face model that it was trained with. The published '
                 'FaceReconModel.pb needs BFM09: without it, use --fit only.')
    return said
