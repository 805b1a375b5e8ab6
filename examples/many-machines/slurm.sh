#!/bin/bash
# One task a part, and a merge when all are done:
#
#   parts=$(sbatch --parsable slurm.sh)
#   sbatch --dependency=afterok:$parts --wrap 'edgecnn merge answers.csv parts/*.csv'
#
#SBATCH --job-name=edgecnn
#SBATCH --array=1-8
#SBATCH --cpus-per-task=2
#SBATCH --mem=2G
#SBATCH --requeue
set -u
model=${MODEL:-fashion-mnist}
images=${IMAGES:-photos}
part=parts/part-$SLURM_ARRAY_TASK_ID.csv

# The same task may run again, after its node failed. An unreadable image has a row and gives exit code 1: what
# counts is that the file is there, which it is when all rows are.
[ -e "$part" ] ||
  edgecnn classify "$model" "$images" --output "$part" --resume --decode-threads "${SLURM_CPUS_PER_TASK:-2}" \
    --shard "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT"
[ -e "$part" ]
