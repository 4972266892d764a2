#!/bin/sh
# Copies what a validator cannot get from the others: backup.sh HOME FOLDER
#
# Kept are the settings, the founding and a consistent copy of the ledger. The keys are kept only
# with KEYS=1, for a medium that is as well guarded as the validator itself. What CometBFT voted
# (priv_validator_state.json) is never copied: restored, it would let the validator vote twice.
# The rest of comet/data comes back from the other validators.
set -eu
home=$1
folder=$2
umask 077

mkdir -p "$folder/comet/config"
cp -p "$home/validator.toml" "$home/founding.json" "$home/trust.json" "$folder/"
cp -p "$home/comet/config/config.toml" "$home/comet/config/genesis.json" "$folder/comet/config/"
# SQLite's own copy: whole, whatever is being written meanwhile.
rm -f "$folder/ledger.db"
sqlite3 "file:$home/ledger.db?mode=ro" ".backup '$folder/ledger.db'"
if [ "${KEYS:-0}" = 1 ]; then
    cp -p "$home/checkpoint.key" "$folder/"
    cp -p "$home/comet/config/node_key.json" "$home/comet/config/priv_validator_key.json" \
        "$folder/comet/config/"
fi
echo "backup of $home is in $folder"
