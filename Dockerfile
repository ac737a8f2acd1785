# docker build -t poisonscan .
# docker run --rm --network none -v "$PWD:/data:ro" poisonscan check /data/train.jsonl
#
# The weights are part of the image, so that a scan needs no network.
FROM python:3.12-slim

# Empty for a GPU build of torch, or where the site's own index has the CPU build.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONDONTWRITEBYTECODE=1

WORKDIR /src
COPY . .
RUN pip install ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} -c constraints.txt .

ENV POISONSCAN_CACHE=/var/cache/poisonscan
RUN useradd --create-home scanner && install -d -o scanner "$POISONSCAN_CACHE"
USER scanner
RUN poisonscan models pull
ENV HF_HUB_OFFLINE=1

WORKDIR /data
ENTRYPOINT ["poisonscan"]
CMD ["--help"]
