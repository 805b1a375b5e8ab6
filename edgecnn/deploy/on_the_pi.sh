# The half of `edgecnn deploy` that runs on the device, in any POSIX sh: functions, which the other half calls one after
# another over one ssh connection. Answers go to standard output as sections: `@NAME LENGTH`, a line feed, the text, a
# line feed; `@done 0` ends an answer. What is there, in $root:
#
#     current -> releases/0002-3f…    switched by one rename; always a release that was verified here
#     releases/0001-9c…               model.tflite, release.json, verified.json, venv ->, before, service; settled: it
#                                     runs since the switch; ran: it did once
#     venvs/HASH                      one for each set of wheels; without the file `complete` it is made anew
#     incoming                        what arrives, or what a kill left of it
#     lock                            held by one deployment at a time
LC_ALL=C
export LC_ALL
umask 077
root=${XDG_DATA_HOME:-$HOME/.local/share}/edgecnn/deploy

emit() { # NAME TEXT
    printf '@%s %s\n%s\n' "$1" "${#2}" "$2"
}

emit_file() { # NAME FILE
    [ -f "$2" ] || return 0
    printf '@%s %s\n' "$1" "$(($(wc -c <"$2")))"
    cat "$2"
    printf '\n'
}

finish() {
    emit 'done' ''
}

fail() { # KIND WORDS
    emit "error.$1" "$2"
    exit 1
}

tail_of() { # FILE: its last line that says something
    grep -v '^[[:space:]]*$' "$1" 2>/dev/null | tail -n 1
}

head_of() { # FILE: its first line that says something
    grep -v '^[[:space:]]*$' "$1" 2>/dev/null | head -n 1
}

durable() { # FOLDER
    sync -f "$1" 2>/dev/null || sync
}

# What a Python says of itself; each of Debian's programs that may be there is asked. By a link to it, a Python that was
# unpacked anywhere makes environments in which it does not find its own files.
asking='
import json, os, platform, struct, sys
def libc():
    try:
        return os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (AttributeError, OSError, ValueError):
        return ""
try:
    import venv
    has_venv = True
except ImportError:
    has_venv = False
bits = struct.calcsize("P") * 8
packages = {}
if bits == 32:
    from importlib.metadata import distributions
    for one in distributions():
        if one.metadata["Name"]:
            packages[one.metadata["Name"]] = one.version
print(json.dumps({
    "python": os.path.realpath(sys.executable), "version": list(sys.version_info[:3]), "bits": bits, "machine": platform.machine(),
    "implementation": platform.python_implementation(), "system": platform.system(), "libc": libc(),
    "venv": has_venv, "packages": packages,
}))
sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 11 if bits == 32 else 14))
'

probe() { # PYTHON, or nothing for those that there are
    for tool in flock tar sha256sum timeout; do
        command -v "$tool" >/dev/null 2>&1 || fail tool "$tool"
    done
    emit root "$root"
    place=$root
    while [ ! -d "$place" ]; do place=$(dirname -- "$place"); done
    [ -w "$place" ] || fail unwritable "$place"
    emit free "$(df -Pk -- "$place" | awk 'NR == 2 { print $4 }')"
    # shellcheck disable=SC2086 # names without spaces
    set -- ${1:+"$1"}
    [ $# -gt 0 ] || set -- python3 python3.14 python3.13 python3.12 python3.11 python3.10
    for one in "$@"; do
        said=$("$one" -I -c "$asking" 2>/dev/null)
        code=$?
        [ -z "$said" ] || emit python "$said"
        [ "$code" -ne 0 ] || break
    done
    [ -d /run/systemd/system ] && emit systemd yes
    systemctl --user show --property Version >/dev/null 2>&1 && emit user_systemd yes
    for one in "$root"/venvs/*/complete; do
        one=${one%/complete}
        "$one/bin/python" -I -c 'import edgecnn' >/dev/null 2>&1 && emit venv "${one##*/}"
    done
    current
    finish
}

as_root() { # whether services of the whole system may be changed
    { [ "$(id -u)" = 0 ] || sudo -n true; } >/dev/null 2>&1 && emit root yes
    finish
}

service_of_another() { # NAME SCOPE: its unit, if there is one that starts no release from here: it would not come back
    units=${XDG_CONFIG_HOME:-$HOME/.config}/systemd/user
    [ -z "$2" ] || units=/etc/systemd/system
    unit=$units/edgecnn-$1.service
    started=$(printf '%s' "$root/current/model.tflite" | sed 's/[\\"]/\\&/g; s/%/%%/g') # as a unit has it
    if [ -e "$unit" ] && ! grep -qF -- "\"$started\"" "$unit"; then emit unit "$unit"; fi
    finish
}

current() { # the release that runs, if there is one
    if [ -L "$root/current" ]; then
        emit current "$(basename -- "$(readlink -- "$root/current")")"
        emit_file release "$root/current/release.json"
        emit sha256 "$(sha256sum -- "$root/current/model.tflite" 2>/dev/null | cut -d ' ' -f 1)"
        [ -f "$root/current/settled" ] && emit settled yes
        emit before "$(before current)"
        emit_file before_release "$root/releases/$(before current)/release.json"
    fi
}

before() { # RELEASE: that which it replaced, while it is there
    name=$(cat "$root/${1}/before" 2>/dev/null)
    if [ -n "$name" ] && [ -f "$root/releases/$name/release.json" ]; then printf '%s' "$name"; fi
}

lock() {
    # A redirection that fails would end the shell without a word: it is tried in another one.
    if ! (mkdir -p -- "$root/releases" "$root/venvs" && : >>"$root/lock") 2>/dev/null || ! cd -- "$root"; then
        fail unwritable "$root"
    fi
    exec 9>>lock
    flock -n 9 || fail busy ''
}

tidy() { # RELEASE: it is current, nobody is about to change that, and what a kill left goes
    lock
    [ "$(basename -- "$(readlink current)")" = "$1" ] || fail busy '' # it was another one a moment ago
    rm -rf incoming
    finish
}

forget() { # ENVIRONMENT: it does not work any more, and is made anew
    lock
    rm -f -- "$root/venvs/$1/complete"
    finish
}

receive() { # BYTES SECONDS SHA256-OF-THE-MANIFEST
    lock
    trap 'rm -rf -- "$root/incoming"' EXIT
    rm -rf incoming
    mkdir incoming 2>said || fail unpack "$(head_of said)"
    timeout "$2" head -c "$1" | tar -x -f - -C incoming >said 2>&1 || fail unpack "$(head_of said)"
    cd incoming || fail unpack ''
    printf '%s  manifest\n' "$3" | sha256sum -c --strict --quiet >../said 2>&1 || fail damaged manifest
    sha256sum -c --strict --quiet manifest >../said 2>&1 || fail damaged "$(sed -n 's/: FAILED.*//p' ../said | head -n 1)"
    cd .. || fail unpack ''
    finish
}

environment() { # ID PYTHON SYSTEM-PACKAGES PREFIX
    venv=$root/venvs/$1 arch=$4
    if [ ! -f "$venv/complete" ] || ! $arch "$venv/bin/python" -I -c 'import edgecnn' >/dev/null 2>&1; then
        emit note "making its environment on the device"
        rm -rf -- "$venv"
        # shellcheck disable=SC2086 # one word, or none
        $arch "$2" -m venv --without-pip ${3:+--system-site-packages} "$venv" >said 2>&1 9>&- || spoiled "$(tail_of said)"
        pip=
        set --
        for one in incoming/wheels/*.whl; do
            case $one in */pip-*) pip=$one ;; *) set -- "$@" "$one" ;; esac
        done
        $arch "$venv/bin/python" -I "$pip/pip" --isolated install --no-index --find-links incoming/wheels \
            --no-cache-dir --disable-pip-version-check --no-input --quiet "$@" >said 2>&1 9>&- ||
            spoiled "$(grep '^ERROR: ' said | tail -n 1)"
        durable "$venv"
        : >"$venv/complete"
    fi
    rm -rf incoming/wheels
    finish
}

spoiled() { # WORDS
    words=${1:-$(tail_of said)}
    rm -rf -- "$venv"
    fail environment "$words"
}

new_edgecnn() { # ARGUMENTS: edgecnn of the environment that was made
    $arch "$venv/bin/python" -I -m edgecnn "$@" 9>&-
}

edgecnn_of() { # RELEASE ARGUMENTS: edgecnn, as that release has it
    of=$1
    shift
    $(cat "$of/prefix" 2>/dev/null) "$of/venv/bin/python" -I -m edgecnn "$@" 9>&-
}

answer() { # CODE FILE: what a command of edgecnn printed
    emit code "$1"
    emit_file answer "$2"
    emit_file said "$2.said"
}

check() { # ARGUMENTS of edgecnn verify
    new_edgecnn verify "$root/incoming/model.tflite" --json "$@" >incoming/verified.json 2>incoming/verified.json.said
    answer "$?" incoming/verified.json
    rm -f incoming/verified.json.said
    finish
}

look() { # ARGUMENTS of edgecnn classify, for the samples that came along
    new_edgecnn classify "$root/incoming/model.tflite" "$root/incoming/samples" --drift --json "$@" >looked 2>looked.said
    answer "$?" looked
    rm -rf looked looked.said incoming/samples
    finish
}

commit() { # ID RELEASES-TO-KEEP
    trap '' HUP INT TERM PIPE # from here to the end, whoever goes away
    trap - EXIT
    rm -f incoming/manifest
    ln -s "../../venvs/${venv##*/}" incoming/venv
    [ -z "$arch" ] || printf '%s' "$arch" >incoming/prefix
    old=$(basename -- "$(readlink current)")
    cut=
    if [ ! -f current/settled ] && [ ! -f current/ran ]; then # its deployment ended early: it is none to go back to
        cut=$old
        old=$(before current)
    fi
    printf '%s' "$old" >incoming/before
    last=0
    for one in releases/*-*; do
        one=${one##*/}
        [ ! -d "releases/$one" ] || last=${one%%-*} # in the order of their names
    done
    new=$(printf '%04d-%s' "$(expr "$last" + 1)" "$1")
    durable incoming
    mv -T -- incoming "releases/$new" || fail commit "$root/releases/$new"
    if ! take "$new" "$old" "$cut"; then
        rm -rf -- "releases/$new"
        fail "$ended" "$(tail_of said)"
    fi
    prune "$2"
    emit_file said said
    current
    finish
}

switch() { # RELEASE: it is current from here on, or none
    if [ -n "$1" ]; then
        rm -rf next
        ln -s "releases/$1" next && durable . && mv -T -- next current && durable .
    else
        rm -f current
    fi
}

take() { # NEW OLD CUT: have the new one run, or the old one again; then $ended says how that went
    : >said
    dropped='' left='' ended=commit
    unsettle "$1"
    switch "$1" || return 1
    stop_service "$2" # of another name it has the camera, and the port of the page
    stop_service "$3"
    if serve; then
        drop_service "$2"
        drop_service "$3"
        printf '%s' "$left" >>said
        : >current/settled
        durable .
        return 0
    fi
    mv -- said why
    ended=health_first
    [ -z "$2" ] || { ended=health && unsettle "$2"; }
    switch "$2"
    drop_service "$1" # of another name it would be tried for ever
    drop_service "$3"
    [ -z "$2" ] || serve || ended=health_both
    [ "$ended" != health ] || : >current/settled
    [ -z "$left" ] || emit note "$(printf '%s' "$left")" # without its last line feed
    mv -- why said
    return 1
}

unsettle() { # RELEASE: until it runs again, a kill may come between
    [ ! -f "releases/$1/settled" ] || mv -- "releases/$1/settled" "releases/$1/ran"
}

# shellcheck disable=SC2120 # the file of the service sets the arguments
serve() { # start the service of the current release, and wait until it is well
    [ -f current/service ] || return 0
    emit note "starting its service, and waiting for the first frame"
    # shellcheck source=/dev/null
    (
        . "$root/current/service"
        # shellcheck disable=SC2154,SC2086 # the file sets them; one word, or none
        edgecnn_of "$root/current" service install "$root/current/model.tflite" --name "$name" --force $scope -- "$@"
    ) >said 2>&1
}

service_name() { # RELEASE
    [ -f "$1/service" ] || return 0
    # shellcheck source=/dev/null
    (. "$1/service" && printf '%s' "$name $scope")
}

other_service() { # RELEASE: name and scope of its service, unless the current one has it
    [ -n "$1" ] || return 0
    gone=$(service_name "$root/releases/$1")
    [ "$gone" = "$(service_name "$root/current")" ] || printf '%s' "$gone"
}

stop_service() { # RELEASE: have it rest, unless it is that of the current one
    # shellcheck disable=SC2046 # name and perhaps one word
    set -- $(other_service "$1")
    [ $# -gt 0 ] || return 0
    if [ $# -eq 1 ]; then
        systemctl --user stop "edgecnn-$1"
    elif [ "$(id -u)" = 0 ]; then
        systemctl stop "edgecnn-$1"
    else
        sudo -n systemctl stop "edgecnn-$1"
    fi >/dev/null 2>&1
}

drop_service() { # RELEASE: remove its service, unless it is that of the current one; what failed stands in $left
    gone=$(other_service "$1")
    [ -n "$gone" ] && [ "$gone" != "$dropped" ] || return 0
    dropped=$gone
    # shellcheck disable=SC2086 # name and perhaps one word
    words=$(edgecnn_of "$root/releases/$1" service remove --name $gone 2>&1) && return
    words=$(printf '%s' "$words" | tail -n 1)
    left="${left}the service edgecnn-${gone%% *} of release $1 may run on: ${words#Error: }
"
}

prune() { # HOW-MANY: all releases but the current one and those before it, and environments that none has
    kept=' ' one=$(basename -- "$(readlink current)") left=$1
    while [ -n "$one" ] && [ "$left" -gt 0 ]; do
        kept="$kept$one "
        one=$(before "releases/$one")
        left=$((left - 1))
    done
    for one in releases/*; do
        case $kept in *" ${one##*/} "*) ;; *) rm -rf -- "$one" ;; esac
    done
    kept=' '
    for one in releases/*/venv; do kept="$kept$(basename -- "$(readlink "$one")") "; done
    for one in venvs/*; do
        case $kept in *" ${one##*/} "*) ;; *) rm -rf -- "$one" ;; esac
    done
}

rollback() { # RELEASE ARGUMENTS of edgecnn verify
    lock
    old=$(basename -- "$(readlink current)")
    new=$(before current)
    [ -n "$new" ] || fail nothing ''
    [ "$new" = "$1" ] || fail busy '' # it was another one a moment ago
    shift
    verify "$new" "$@"
    finish
}

back() { # after rollback, and what it verified
    trap '' HUP INT TERM PIPE
    take "$new" "$old" '' || fail "$ended" "$(tail_of said)"
    emit_file said said
    current
    finish
}

verify() { # RELEASE ARGUMENTS of edgecnn verify
    place=$root/releases/$1
    shift
    made=$(mktemp) || fail unwritable "${TMPDIR:-/tmp}"
    edgecnn_of "$place" verify "$place/model.tflite" --json "$@" >"$made" 2>"$made.said"
    answer "$?" "$made"
    rm -f -- "$made" "$made.said"
}

status() { # ARGUMENTS of edgecnn verify; nothing is written
    current
    if [ -L "$root/current" ]; then
        verify "$(basename -- "$(readlink -- "$root/current")")" "$@"
        gone=$(service_name "$root/current")
        # shellcheck disable=SC2086 # name and perhaps one word
        [ -z "$gone" ] || emit service_status "$(edgecnn_of "$root/current" service status --json --name $gone 2>&1)"
    fi
    finish
}
